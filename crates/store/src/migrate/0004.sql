-- One salted hash is one token, whatever part of its text is said to find it.
CREATE UNIQUE INDEX legacy_hashes_by_phc ON legacy_hashes (phc);
