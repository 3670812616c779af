-- What the owner calls the clip, for people and for the names of downloads; null where nobody said.
ALTER TABLE jobs ADD COLUMN clip_name TEXT;
