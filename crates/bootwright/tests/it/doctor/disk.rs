//! Faults of the data directory and the record.

use std::fs;

use super::Mend::{Command as ByCommand, Hand};
use super::{Fault, nothing};

pub(super) const DISK: &[Fault] = &[
    Fault {
        id: "S01",
        name: "there is no data directory",
        plant: |cell| drop(cell.sh(&format!("mv {0} {0}.away", cell.data().display()))),
        verdict: "error",
        says: "there is no data directory",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("rmdir {0} && mv {0}.away {0}", cell.data().display()))),
    },
    Fault {
        id: "S01",
        name: "the disk is mounted for reading only",
        plant: |cell| drop(cell.sh(&format!("mount -t tmpfs -o ro none {}", cell.data().display()))),
        verdict: "error",
        says: "mounted for reading only",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("umount {}", cell.data().display()))),
    },
    Fault {
        id: "S02",
        name: "the data directory is in memory",
        plant: |cell| drop(cell.sh(&format!("mount -t tmpfs none {}", cell.data().display()))),
        verdict: "warning",
        says: "a file system of type tmpfs",
        // It is moved to a disk.
        mend: Hand(|cell| drop(cell.sh(&format!("umount {}", cell.data().display())))),
        tidy: nothing,
    },
    Fault {
        id: "S03",
        name: "the record is no record",
        plant: |cell| {
            fs::write(cell.data().join("bootwright.db"), "not a database, and never was one").expect("a file");
        },
        verdict: "error",
        says: "the record cannot be read",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("rm {}/bootwright.db.damaged", cell.data().display()))),
    },
    Fault {
        id: "S05",
        name: "an image that nobody boots fills the disk",
        plant: |cell| {
            let (data, directory) = (cell.data().display().to_string(), cell.directory.display().to_string());
            cell.sh(&format!(
                "mount -t tmpfs -o size=200m none {data} && mkdir -p {directory}/big && \
                 head -c 160000000 /dev/zero > {directory}/big/disk"
            ));
            let said = cell.bootwright(&["image", "add", "big", &format!("{directory}/big")]);
            assert_eq!(said.code, 0, "{said:?}");
            fs::remove_file(cell.directory.join("big/disk")).expect("it was there");
        },
        verdict: "error",
        says: "is full: ",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("umount {}", cell.data().display()))),
    },
    Fault {
        id: "S06",
        name: "small files have used up the inodes",
        plant: |cell| {
            cell.sh(&format!(
                "mount -t tmpfs -o nr_inodes=400 none {0} && cd {0} && mkdir many && i=0 && \
                 while [ $i -lt 350 ]; do : > many/$i; i=$((i+1)); done",
                cell.data().display()
            ));
        },
        verdict: "error",
        says: "takes no more files",
        // Somebody removes what he can do without.
        mend: Hand(|cell| drop(cell.sh(&format!("rm -r {}/many", cell.data().display())))),
        tidy: |cell| drop(cell.sh(&format!("umount {}", cell.data().display()))),
    },
    Fault {
        id: "S04",
        name: "the record is a month ahead of the clock",
        plant: |cell| drop(cell.sh(&format!("touch -d '+30 days' {}/bootwright.db", cell.data().display()))),
        verdict: "error",
        says: "days behind the time at which the record was last written",
        // The printed command would set the clock of the machine on which the tests run. What it comes to is that the record
        // is not ahead any more.
        mend: Hand(|cell| drop(cell.sh(&format!("touch {}/bootwright.db", cell.data().display())))),
        tidy: |cell| drop(cell.sh(&format!("rm {}/bootwright.db", cell.data().display()))),
    },
];
