-- How often it was looked into what became of an instruction. The pause before the next look
-- (`next_look_at`) grows with it, so it stands here and not with a job, which may be lost or doubled.
ALTER TABLE instructions ADD COLUMN looks integer NOT NULL DEFAULT 0;
