-- An organization's default account stays where a person put it, also while the account is
-- deauthorized: what moves money without naming an account is refused then, and never pays from
-- another one.
--
-- The check is found by what it says: its name was PostgreSQL's choice.
DO $$
DECLARE
  unwanted text;
BEGIN
  SELECT conname INTO STRICT unwanted
    FROM pg_constraint
   WHERE conrelid = 'connected_accounts'::regclass AND contype = 'c'
     AND pg_get_constraintdef(oid) LIKE '%is_default%';
  EXECUTE format('ALTER TABLE connected_accounts DROP CONSTRAINT %I', unwanted);
END $$;

-- An only account that lost its authorization lost the default with it. No other one can be meant.
UPDATE connected_accounts c SET is_default = true
 WHERE NOT EXISTS (SELECT FROM connected_accounts other
                    WHERE other.organization_id = c.organization_id
                      AND (other.is_default OR other.stripe_account_id <> c.stripe_account_id));
