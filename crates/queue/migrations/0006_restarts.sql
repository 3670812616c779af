-- How often the server ended, killed, while the job ran: the job is not at fault for the first of them.
ALTER TABLE jobs ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
