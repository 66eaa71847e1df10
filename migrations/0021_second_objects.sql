-- in steps: instructions stay writable
-- step: reviews of a second object at Stripe are told apart from those of another amount
UPDATE instructions i SET outcome_code = 'second_object'
  FROM instruction_payouts m
  JOIN payouts p ON p.organization_id = m.organization_id AND p.id = m.payout_id
 WHERE i.state = 'needs_review' AND i.outcome_code = 'another_object'
   AND m.organization_id = i.organization_id AND m.instruction_id = i.id
   AND p.stripe_payout_id IS NOT NULL
