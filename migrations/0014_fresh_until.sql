-- How fresh an account's balance transactions are between runs. On the row of the stream
-- `balance_transactions`: a short reading moves `fresh_until`, a pass moves `synced_to`, and all up
-- to the later of both is mirrored.
--
-- `read_at` is when the last short reading began, on the business clock; the next may begin a minute
-- later.
ALTER TABLE sync_streams ADD COLUMN fresh_until timestamptz, ADD COLUMN read_at timestamptz;
