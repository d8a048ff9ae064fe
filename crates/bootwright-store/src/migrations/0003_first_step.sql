-- From here on a host's body may say what brought its firmware to its boot loader (`first_step`), and an event may say that
-- this changed (`first-step-set`).

-- For people: which offer and which boot program worked for whom.
CREATE VIEW first_steps AS
SELECT id AS host, body ->> '$.first_step.make' AS make, body ->> '$.first_step.offer' AS offer,
    body ->> '$.first_step.file' AS file
FROM hosts WHERE body ->> '$.first_step' IS NOT NULL;
