#!/bin/sh
# Fills the sample target: a shop, and the login that the gateways use, which owns it and is nothing else.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname shop <<'SQL'
\getenv password POSTGRES_PASSWORD
CREATE ROLE warder LOGIN PASSWORD :'password';
ALTER DATABASE shop OWNER TO warder;
SET ROLE warder;
CREATE TABLE public.customers (
  id int PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL
);
INSERT INTO public.customers VALUES
  (1, 'Ada', 'ada@example.com'),
  (2, 'Grace', 'grace@example.com');
CREATE TABLE public.orders (id int PRIMARY KEY, customer int NOT NULL, state text NOT NULL);
INSERT INTO public.orders SELECT n, 1 + n % 2, 'open' FROM generate_series(1, 20) AS n;
SQL
