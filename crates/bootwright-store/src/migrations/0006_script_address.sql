-- A run remembers the address that its script was last served to, as a member of the state in JSON: there is nothing to change in
-- tables, and versions that do not know the member must not read it.
SELECT 1 WHERE 0;
