-- in steps: instructions stay writable
-- step: reviews of a second object at Stripe are told apart from those of another amount
DO $$
DECLARE
  n bigint;
BEGIN
  LOOP
    UPDATE instructions SET outcome_code = 'second_object'
     WHERE (organization_id, id) IN (
       SELECT i.organization_id, i.id
         FROM instructions i
         JOIN instruction_payouts m
           ON m.organization_id = i.organization_id AND m.instruction_id = i.id
         JOIN payouts p ON p.organization_id = m.organization_id AND p.id = m.payout_id
        WHERE i.state = 'needs_review' AND i.outcome_code = 'another_object'
          AND p.stripe_payout_id IS NOT NULL
        ORDER BY i.organization_id, i.id LIMIT 1000);
    GET DIAGNOSTICS n = ROW_COUNT;
    EXIT WHEN n = 0;
    COMMIT;
  END LOOP;
END $$
