-- A login role for each domain, one for the service registry and one for monitoring. Runs once, on an empty data folder, in the
-- database that POSTGRES_DB names. Passwords come from the environment, so that no file holds them,
-- and these statements, which contain them, are kept out of the log whatever it is set to.
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;

\getenv market_data_password MARKET_DATA_DB_PASSWORD
\getenv exchange_password EXCHANGE_DB_PASSWORD
\getenv custodian_password CUSTODIAN_DB_PASSWORD
\getenv risk_password RISK_DB_PASSWORD
\getenv trading_password TRADING_DB_PASSWORD
\getenv test_coordination_password TEST_COORDINATION_DB_PASSWORD
\getenv audit_password AUDIT_DB_PASSWORD
\getenv registry_password REGISTRY_DB_PASSWORD
\getenv monitoring_password MONITORING_DB_PASSWORD

CREATE ROLE market_data LOGIN PASSWORD :'market_data_password';
CREATE ROLE exchange LOGIN PASSWORD :'exchange_password';
CREATE ROLE custodian LOGIN PASSWORD :'custodian_password';
CREATE ROLE risk LOGIN PASSWORD :'risk_password';
CREATE ROLE trading LOGIN PASSWORD :'trading_password';
CREATE ROLE test_coordination LOGIN PASSWORD :'test_coordination_password';
CREATE ROLE audit LOGIN PASSWORD :'audit_password';
CREATE ROLE registry LOGIN PASSWORD :'registry_password';
CREATE ROLE monitoring LOGIN PASSWORD :'monitoring_password' CONNECTION LIMIT 5;
GRANT pg_monitor TO monitoring;

-- Owns the audit tables; nobody logs in as it.
CREATE ROLE audit_owner NOLOGIN;

-- Whoever connects is one of these.
SELECT current_database() AS database \gset
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database"
    TO market_data, exchange, custodian, risk, trading, test_coordination, audit, registry, monitoring;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
