-- A store of format 4, as `sqlite3 .dump` writes it, and the two numbers that the dump leaves out. Never edited.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE events (
    seq    INTEGER PRIMARY KEY,
    -- The site's own time, in milliseconds; only runs forward.
    at     INTEGER NOT NULL,
    -- The wall clock at the commit, in milliseconds since 1970; for people.
    wall   INTEGER NOT NULL,
    -- operator, rule, machine, clock or daemon; for the first two, the name.
    cause  TEXT NOT NULL,
    actor  TEXT,
    verb   TEXT NOT NULL,
    note   TEXT NOT NULL,
    -- What changed, as JSON.
    change TEXT NOT NULL,
    -- Checksum of all columns above.
    sum    INTEGER NOT NULL,
    host   TEXT GENERATED ALWAYS AS (change ->> '$.host') VIRTUAL
) STRICT;
INSERT INTO events VALUES(1,1760000001000,1760000000000,'machine',NULL,'new','first seen','{"kind":"host-added","host":"oak-1","facts":{"macs":["52:54:00:ab:cd:01"],"uuid":"01010101-0101-0101-0101-010101010101","serial":"S-1","manufacturer":"Maker & Co"}}',1112116459861436369);
INSERT INTO events VALUES(2,1760000002000,1760000000000,'machine',NULL,'new','first seen','{"kind":"host-added","host":"elm-2","facts":{"macs":["52:54:00:ab:cd:02"],"uuid":"02020202-0202-0202-0202-020202020202","serial":"S-2","manufacturer":"Maker & Co"}}',-3393528718289883567);
INSERT INTO events VALUES(3,1760000003000,1760000000000,'machine',NULL,'new','first seen','{"kind":"host-added","host":"ash-3","facts":{"macs":["52:54:00:ab:cd:03"],"uuid":"03030303-0303-0303-0303-030303030303","serial":"S-3","manufacturer":"Maker & Co"}}',8970502597831542454);
INSERT INTO events VALUES(4,1760000010000,1760000000000,'operator','anna','armed','armed with debian','{"kind":"state-set","host":"oak-1","state":{"phase":"armed","grant":{"operator":"anna","at":1760000010000,"expires":1760086410000,"machine":{"macs":["52:54:00:ab:cd:01"],"uuid":"01010101-0101-0101-0101-010101010101","serial":"S-1","manufacturer":"Maker & Co"},"wipe":["WD-1"]},"queue":["debian"]}}',4670167784602465511);
INSERT INTO events VALUES(5,1760000020000,1760000000000,'machine',NULL,'boot','script served','{"kind":"state-set","host":"oak-1","state":{"phase":"installing","runs":1,"run":{"number":1,"profile":"debian","revision":"fedcba9876543210","token":"01010101010101010101010101010101","started":1760000020000,"deadline":1760021620000,"attempts":1},"grant":{"operator":"anna","at":1760000010000,"expires":1760086410000,"machine":{"macs":["52:54:00:ab:cd:01"],"uuid":"01010101-0101-0101-0101-010101010101","serial":"S-1","manufacturer":"Maker & Co"},"wipe":["WD-1"]}}}',-2006772464170281911);
INSERT INTO events VALUES(6,1760000300000,1760000000000,'machine',NULL,'fail','no route to mirror','{"kind":"state-set","host":"oak-1","state":{"phase":"failed","runs":1,"profile":"debian","number":1,"at":1760000300000,"failure":{"kind":"reported","words":"no route to mirror"}}}',-3746359882741348832);
INSERT INTO events VALUES(7,1760000400000,1760000000000,'operator','anna','armed','armed with debian','{"kind":"state-set","host":"oak-1","state":{"phase":"armed","runs":1,"grant":{"operator":"anna","at":1760000010000,"expires":1760086410000,"machine":{"macs":["52:54:00:ab:cd:01"],"uuid":"01010101-0101-0101-0101-010101010101","serial":"S-1","manufacturer":"Maker & Co"},"wipe":["WD-1"]},"queue":["debian"]}}',-6183566695054845910);
INSERT INTO events VALUES(8,1760000400000,1760000000000,'operator','anna','set','rack=r2','{"kind":"label-set","host":"oak-1","key":"rack","value":"r2"}',900128810919185648);
INSERT INTO events VALUES(9,1760000420000,1760000000000,'machine',NULL,'boot','script served','{"kind":"state-set","host":"oak-1","state":{"phase":"installing","runs":2,"run":{"number":2,"profile":"debian","revision":"fedcba9876543210","token":"02020202020202020202020202020202","started":1760000420000,"deadline":1760022020000,"attempts":1},"grant":{"operator":"anna","at":1760000010000,"expires":1760086410000,"machine":{"macs":["52:54:00:ab:cd:01"],"uuid":"01010101-0101-0101-0101-010101010101","serial":"S-1","manufacturer":"Maker & Co"},"wipe":["WD-1"]}}}',-7894581341443757610);
INSERT INTO events VALUES(10,1760000900000,1760000000000,'machine',NULL,'done','done','{"kind":"state-set","host":"oak-1","state":{"phase":"installed","runs":2,"profile":"debian","number":2,"at":1760000900000}}',4562789587300231877);
INSERT INTO events VALUES(11,1760000901000,1760000000000,'daemon',NULL,'reload','rule','{"kind":"rule-set","rule":"racks","record":{"fingerprint":"0123456789abcdef","since":1760000901000,"granted":1}}',4357197641895458834);
INSERT INTO events VALUES(12,1760000902000,1760000000000,'rule','racks','armed','armed by rule','{"kind":"state-set","host":"elm-2","state":{"phase":"armed","grant":{"rule":"racks","at":1760000010000,"expires":1760086410000,"machine":{"macs":["52:54:00:ab:cd:02"],"uuid":"02020202-0202-0202-0202-020202020202","serial":"S-2","manufacturer":"Maker & Co"},"wipe":["WD-1"]},"queue":["discover","debian"]}}',-2462990229217511098);
INSERT INTO events VALUES(13,1760000910000,1760000000000,'operator','anna','forget','forgotten','{"kind":"host-forgotten","host":"ash-3"}',-7410876545148149363);
INSERT INTO events VALUES(14,1760000920000,1760000000000,'operator','anna','pause','maintenance','{"kind":"pause-set","why":"maintenance"}',1856238792736749077);
INSERT INTO events VALUES(15,1760000100010,1760000000000,'machine',NULL,'boot','run 1, install script of discover served (attempt 1 of 2)','{"kind":"state-set","host":"elm-2","state":{"phase":"installing","runs":1,"run":{"number":1,"profile":"discover","revision":"fedcba9876543210","token":"04040404040404040404040404040404","started":1760000100010,"deadline":1760021700010,"attempts":1},"grant":{"operator":"alice","at":1760000100000,"expires":1760086500000,"machine":{"macs":["52:54:00:ab:cd:02"]}},"queue":["debian"]}}',1994828167949888879);
CREATE TABLE hosts (
    id       TEXT PRIMARY KEY,
    body     TEXT NOT NULL,
    sum      INTEGER NOT NULL,
    state    TEXT GENERATED ALWAYS AS (body ->> '$.state.phase') VIRTUAL,
    profile  TEXT GENERATED ALWAYS AS (coalesce(
        body ->> '$.state.run.profile', body ->> '$.state.profile', body ->> '$.state.queue[0]')) VIRTUAL,
    run      ANY GENERATED ALWAYS AS (coalesce(
        body ->> '$.state.run.number', body ->> '$.state.number')) VIRTUAL,
    locked   ANY GENERATED ALWAYS AS (coalesce(body ->> '$.state.locked', 0)) VIRTUAL,
    since    ANY GENERATED ALWAYS AS (body ->> '$.since') VIRTUAL,
    uuid     TEXT GENERATED ALWAYS AS (body ->> '$.facts.uuid') VIRTUAL,
    serial   TEXT GENERATED ALWAYS AS (body ->> '$.facts.serial') VIRTUAL
) STRICT;
INSERT INTO hosts VALUES('oak-1','{"since":1760000001000,"facts":{"macs":["52:54:00:ab:cd:01"],"uuid":"01010101-0101-0101-0101-010101010101","serial":"S-1","manufacturer":"Maker & Co"},"state":{"phase":"installed","runs":2,"profile":"debian","number":2,"at":1760000900000},"labels":{"rack":"r2"},"runs":[{"number":1,"profile":"debian","token":"01010101010101010101010101010101","started":1760000020000,"deadline":1760021620000,"ended":1760000300000,"attempts":1,"failure":{"kind":"reported","words":"no route to mirror"}},{"number":2,"profile":"debian","token":"02020202020202020202020202020202","started":1760000420000,"deadline":1760022020000,"ended":1760000900000,"attempts":1}]}',3357825472345404351);
INSERT INTO hosts VALUES('elm-2','{"since":1760000002000,"facts":{"macs":["52:54:00:ab:cd:02"],"uuid":"02020202-0202-0202-0202-020202020202","serial":"S-2","manufacturer":"Maker & Co"},"state":{"phase":"installing","runs":1,"run":{"number":1,"profile":"discover","revision":"fedcba9876543210","token":"04040404040404040404040404040404","started":1760000100010,"deadline":1760021700010,"attempts":1},"grant":{"operator":"alice","at":1760000100000,"expires":1760086500000,"machine":{"macs":["52:54:00:ab:cd:02"]}},"queue":["debian"]}}',1937296920632003972);
CREATE TABLE rules (
    name    TEXT PRIMARY KEY,
    body    TEXT NOT NULL,
    sum     INTEGER NOT NULL,
    since   ANY GENERATED ALWAYS AS (body ->> '$.since') VIRTUAL,
    granted ANY GENERATED ALWAYS AS (body ->> '$.granted') VIRTUAL
) STRICT;
INSERT INTO rules VALUES('racks','{"fingerprint":"0123456789abcdef","since":1760000901000,"granted":1}',-3419397734115634416);
CREATE TABLE site (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    -- The last event that the tables hold.
    seq    INTEGER NOT NULL,
    hosts  INTEGER NOT NULL,
    rules  INTEGER NOT NULL,
    -- The sums of all rows of both tables, added up.
    digest INTEGER NOT NULL,
    body   TEXT NOT NULL,
    sum    INTEGER NOT NULL,
    paused TEXT GENERATED ALWAYS AS (body ->> '$.paused') VIRTUAL
) STRICT;
INSERT INTO site VALUES(1,15,2,1,1875724658861773907,'{"paused":"maintenance","clock":{"boot_id":"01010101-0101-0101-0101-010101010101","boottime_ms":1000,"wall_ms":1760000000000,"site_ms":1760000000005},"revisions":-1195584647572550248}',3493994727990855427);
CREATE TABLE base (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    body TEXT NOT NULL,
    sum  INTEGER NOT NULL
) STRICT;
INSERT INTO base VALUES(1,0,'{}',-7919433569008174941);
CREATE TABLE base_hosts (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    sum  INTEGER NOT NULL
) STRICT;
CREATE TABLE leases (
    -- The IPv4 address as a number; `ip` shows it as people write it.
    address   INTEGER PRIMARY KEY,
    -- The card that has it, or had it last.
    holder    TEXT NOT NULL,
    -- bound, released or declined.
    state     TEXT NOT NULL,
    -- On the site's time, in milliseconds.
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    -- Option 61 of the request, in hexadecimal.
    client_id TEXT,
    host_name TEXT,
    -- Checksum of all columns above.
    sum       INTEGER NOT NULL,
    ip        TEXT GENERATED ALWAYS AS (
        (address >> 24) || '.' || ((address >> 16) & 255) || '.' || ((address >> 8) & 255) || '.' || (address & 255)
    ) VIRTUAL
) STRICT;
INSERT INTO leases VALUES(172818482,'52:54:00:ab:cd:01','bound',1760000010000,1760000610000,'01525400abcd01','oak',-7696351038502478007);
INSERT INTO leases VALUES(172818483,'52:54:00:ab:cd:02','released',1760000020000,1760000025000,NULL,NULL,-2896785210551801499);
INSERT INTO leases VALUES(172818632,'52:54:00:ab:cd:03','declined',1760000030000,1760003630000,'ff0001','it''s',-6756727222658326593);
CREATE TABLE lease_total (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    leases INTEGER NOT NULL,
    -- The sums of all rows, added up.
    digest INTEGER NOT NULL,
    sum    INTEGER NOT NULL
) STRICT;
INSERT INTO lease_total VALUES(1,3,1096880601996945517,-1608410252270442435);
CREATE TABLE revisions (
    profile  TEXT NOT NULL,
    -- The digest of all that the profile says, in 16 hexadecimal digits; the hosts' runs name it.
    revision TEXT NOT NULL,
    -- The profile, as JSON.
    body     TEXT NOT NULL,
    -- Checksum of all columns above.
    sum      INTEGER NOT NULL,
    PRIMARY KEY (profile, revision)
) STRICT;
INSERT INTO revisions VALUES('discover','fedcba9876543210','{"kernel":"/images/discover/linux","initrds":[{"source":"/images/discover/initrd"}],"args":["report={{ run.url }}"],"files":{"facts.sh":{"template":"it''s {{ host.name }}\n","origin":"profiles.discover.files.\"facts.sh\""}},"done":{"config-served":"facts.sh"},"confirm":"none","deadline":21600000,"stages":{"kernel":120000,"config":600000,"done":3600000}}',-1195584647572550248);
CREATE INDEX events_by_host ON events (host, seq) WHERE host IS NOT NULL;
CREATE VIEW timeline AS
SELECT seq, strftime('%Y-%m-%d %H:%M:%f', wall / 1000.0, 'unixepoch') AS time, host, verb, note,
    cause || coalesce(' ' || actor, '') AS cause
FROM events;
CREATE VIEW host_macs AS
SELECT hosts.id AS host, mac.value AS mac
FROM hosts, json_each(hosts.body, '$.facts.macs') AS mac;
CREATE VIEW runs AS
SELECT hosts.id AS host, run.value ->> '$.number' AS number, run.value ->> '$.profile' AS profile,
    strftime('%Y-%m-%d %H:%M:%f', (run.value ->> '$.started') / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%d %H:%M:%f', (run.value ->> '$.ended') / 1000.0, 'unixepoch') AS ended,
    run.value ->> '$.attempts' AS attempts,
    coalesce(run.value ->> '$.failure.kind', 'done') AS outcome,
    run.value ->> '$.failure.words' AS words
FROM hosts, json_each(hosts.body, '$.runs') AS run
UNION ALL
SELECT id, body ->> '$.state.run.number', body ->> '$.state.run.profile',
    strftime('%Y-%m-%d %H:%M:%f', (body ->> '$.state.run.started') / 1000.0, 'unixepoch'), NULL,
    body ->> '$.state.run.attempts', 'running', NULL
FROM hosts WHERE state = 'installing';
CREATE VIEW addresses AS
SELECT ip, holder, state, host_name,
    (SELECT host FROM host_macs WHERE mac = holder) AS host,
    strftime('%Y-%m-%d %H:%M:%f', since / 1000.0, 'unixepoch') AS since,
    strftime('%Y-%m-%d %H:%M:%f', until / 1000.0, 'unixepoch') AS until
FROM leases;
CREATE VIEW first_steps AS
SELECT id AS host, body ->> '$.first_step.make' AS make, body ->> '$.first_step.offer' AS offer,
    body ->> '$.first_step.file' AS file
FROM hosts WHERE body ->> '$.first_step' IS NOT NULL;
COMMIT;
PRAGMA application_id = 1651470196;
PRAGMA user_version = 4;
