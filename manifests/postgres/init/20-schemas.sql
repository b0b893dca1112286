-- A schema for each domain, owned by the domain's role and found first by it.
CREATE SCHEMA market_data AUTHORIZATION market_data;
CREATE SCHEMA exchange AUTHORIZATION exchange;
CREATE SCHEMA custodian AUTHORIZATION custodian;
CREATE SCHEMA risk AUTHORIZATION risk;
CREATE SCHEMA trading AUTHORIZATION trading;
CREATE SCHEMA test_coordination AUTHORIZATION test_coordination;
-- Holds the history of configuration; the registry makes its table itself.
CREATE SCHEMA registry AUTHORIZATION registry;

SELECT current_database() AS database \gset
ALTER ROLE market_data IN DATABASE :"database" SET search_path = market_data;
ALTER ROLE exchange IN DATABASE :"database" SET search_path = exchange;
ALTER ROLE custodian IN DATABASE :"database" SET search_path = custodian;
ALTER ROLE risk IN DATABASE :"database" SET search_path = risk;
ALTER ROLE trading IN DATABASE :"database" SET search_path = trading;
ALTER ROLE test_coordination IN DATABASE :"database" SET search_path = test_coordination;
ALTER ROLE registry IN DATABASE :"database" SET search_path = registry;
ALTER ROLE audit IN DATABASE :"database" SET search_path = audit;

-- The audit trail is append-only: its tables belong to audit_owner, and the role that writes it may
-- add and read rows, but neither change nor remove them, nor the tables.
CREATE SCHEMA audit AUTHORIZATION audit_owner;
GRANT USAGE ON SCHEMA audit TO audit;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner IN SCHEMA audit GRANT SELECT, INSERT ON TABLES TO audit;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner IN SCHEMA audit GRANT USAGE ON SEQUENCES TO audit;
