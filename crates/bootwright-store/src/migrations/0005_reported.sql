-- From here on a host's body may say what its machine reported of itself (`reported`), and an event may say that this changed
-- (`reported-set`).

-- For people: what each machine reported.
CREATE VIEW reported AS
SELECT hosts.id AS host, item.key AS name, item.value AS value
FROM hosts, json_each(hosts.body, '$.reported') AS item;
