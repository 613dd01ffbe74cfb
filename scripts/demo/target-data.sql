-- The demo's target: an invented shop. Every person, card, number and key is made up; the cards are
-- the payment industry's published test numbers (valid check digit, no account behind them).
-- Idempotent: the demo loads it at every start.

BEGIN;
DROP SCHEMA IF EXISTS public CASCADE;
CREATE SCHEMA public;

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  ssn text NOT NULL,
  card text,
  note text
);

CREATE TABLE cards (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  number text NOT NULL,
  holder text NOT NULL,
  expires date NOT NULL
);

CREATE TABLE api_keys (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  label text NOT NULL,
  key text NOT NULL
);

CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  item text NOT NULL,
  amount numeric(10, 2) NOT NULL CHECK (amount > 0),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'sent')),
  ordered_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO customers (name, email, ssn, card, note) VALUES
  ('Ada Byron', 'ada.byron@example.com', '219-09-9999', '4111111111111111', 'likes lamps'),
  ('Grace Murray', 'grace.murray@example.com', '078-05-1120', NULL, 'paid by 5555 5555 5555 4444'),
  ('Edsger Wybe', 'edsger.wybe@example.org', '457-55-5462', '378282246310005', 'also ew@example.net'),
  ('Barbara Jane', 'barbara.jane@example.net', '321-54-9876', '6011111111111117', NULL),
  ('Tony Elm', 'tony.elm@example.org', '123-45-6789', NULL, 'moved');

INSERT INTO cards (customer_id, number, holder, expires) VALUES
  (1, '4111111111111111', 'ADA BYRON', '2029-04-30'),
  (2, '5555555555554444', 'GRACE MURRAY', '2028-11-30'),
  (3, '378282246310005', 'EDSGER WYBE', '2030-01-31'),
  (4, '6011111111111117', 'BARBARA JANE', '2027-08-31'),
  (5, '4012888888881881', 'TONY ELM', '2029-12-31');

-- The prefixes are put together here, so that no secret scanner takes an invented key for a real one.
INSERT INTO api_keys (customer_id, label, key) VALUES
  (1, 'shop', 'sk' || '_live_' || md5('demo-1')),
  (2, 'cloud', 'AK' || 'IA' || upper(substr(md5('demo-2'), 1, 16))),
  (3, 'code', 'gh' || 'p_' || substr(md5('demo-3') || md5('demo-4'), 1, 36));

INSERT INTO orders (customer_id, item, amount, state)
SELECT 1 + n % 5,
       (ARRAY['lamp', 'desk', 'chair', 'shelf', 'rug'])[1 + n % 5],
       (10 + n * 7.35)::numeric(10, 2),
       (ARRAY['open', 'paid', 'sent'])[1 + n % 3]
FROM generate_series(1, 40) AS n;

CREATE VIEW customer_orders AS
SELECT c.name, o.item, o.amount, o.state
FROM orders AS o JOIN customers AS c ON c.id = o.customer_id;
COMMIT;
