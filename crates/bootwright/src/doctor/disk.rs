//! The data directory: S01, S02, S05 to S07, P09.

use super::facts::Facts;
use super::port::quoted;
use super::report::Judged;

/// File systems of other boxes, whose locks and syncs are not what a database needs.
const REMOTE: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "ceph",
    "fuse.sshfs",
    "afs",
    "glusterfs",
    "fuse.glusterfs",
];

/// File systems that are gone with the next start of the box or the container.
const PASSING: &[&str] = &["tmpfs", "ramfs", "overlay", "aufs"];

/// Below this nothing new begins: the store has its reserve, and images need room.
const BYTES_MIN: u64 = 64 << 20;
/// Below this share, or this much, it is time to look.
const BYTES_LOW: u64 = 1 << 30;

/// Files that can still be made.
const INODES_MIN: u64 = 100;
const INODES_LOW: u64 = 2000;

/// How long a machine may wait for the record of its install.
const SYNC_MS_MAX: u64 = 500;

pub(super) fn writable(facts: &Facts) -> Judged {
    let (disk, dir) = (&facts.disk, facts.site.data_dir.display().to_string());
    if !disk.exists {
        return Judged::error(format!("there is no data directory `{dir}`"))
            .repair(format!("install -d -m 0700 {}", quoted(&dir)))
            .advice("and give it to the user as whom the daemon runs");
    }
    if let Some(mount) = disk.mount.as_ref().filter(|mount| mount.read_only) {
        return Judged::error(format!(
            "`{dir}` is on `{}`, which is mounted for reading only",
            mount.point
        ))
        .repair(format!("mount -o remount,rw {}", quoted(&mount.point)))
        .advice("where the disk itself is at fault, the kernel's log says so: `dmesg`");
    }
    match &disk.unwritable {
        Some(why) => Judged::error(format!("nothing can be written to `{dir}`: {why}"))
            .repair(format!("chmod u+rwx {}", quoted(&dir)))
            .advice("and it has to belong to the user as whom the daemon runs"),
        None => Judged::ok(format!("`{dir}` takes files")),
    }
}

pub(super) fn kind(facts: &Facts) -> Judged {
    let dir = facts.site.data_dir.display();
    let Some(mount) = &facts.disk.mount else {
        return Judged::skipped("the file system of the data directory cannot be seen");
    };
    let words = format!("`{dir}` is on `{}`, a file system of type {}", mount.point, mount.kind);
    if REMOTE.contains(&mount.kind.as_str()) {
        Judged::warning(format!(
            "{words}: its locks do not keep a second daemon out, and a network that hangs hangs the record"
        ))
        .advice("keep the data directory on a disk of this box (`data_dir` in `[server]`); images may lie elsewhere")
    } else if PASSING.contains(&mount.kind.as_str()) {
        Judged::warning(format!(
            "{words}: what is recorded is gone with the next start, and known machines are unknown then"
        ))
        .advice("keep it on a disk (`data_dir` in `[server]`), in a container on a volume")
    } else {
        Judged::ok(words)
    }
}

pub(super) fn space(facts: &Facts) -> Judged {
    let disk = &facts.disk;
    let Some((free, all)) = disk.bytes else {
        return Judged::skipped("how much room there is cannot be seen");
    };
    let words = format!("{} MiB of {} MiB are free", free >> 20, all >> 20);
    let judged = if free < BYTES_MIN {
        Judged::error(format!("the disk of the data directory is full: {words}"))
    } else if free < BYTES_LOW && free < all / 10 {
        Judged::warning(format!("the disk of the data directory is nearly full: {words}"))
    } else {
        return Judged::ok(words);
    };
    let options = options(facts);
    let removes: Vec<String> = disk
        .unused_images
        .iter()
        .map(|image| format!("bootwright{options} image remove {image}"))
        .collect();
    if removes.is_empty() {
        judged.advice("make room on it; `du -xh -d2` on the data directory shows what is large")
    } else {
        judged
            .repair(removes.join(" && "))
            .advice("no profile boots these images")
    }
}

/// The options that a command needs to mean the same data directory and configuration.
pub(super) fn options(facts: &Facts) -> String {
    format!(
        " --config {} --data-dir {}",
        quoted(&facts.site.config.display().to_string()),
        quoted(&facts.site.data_dir.display().to_string())
    )
}

pub(super) fn inodes(facts: &Facts) -> Judged {
    let Some((free, all)) = facts.disk.inodes else {
        return Judged::ok("the file system of the data directory counts no inodes, or it cannot be seen");
    };
    let words = format!("{free} of {all} inodes are free");
    let dir = quoted(&facts.site.data_dir.display().to_string());
    let judged = if free < INODES_MIN {
        Judged::error(format!("the disk of the data directory takes no more files: {words}"))
    } else if free < INODES_LOW && free < all / 10 {
        Judged::warning(format!("the disk of the data directory takes few more files: {words}"))
    } else {
        return Judged::ok(words);
    };
    judged.advice(format!(
        "remove files; `du --inodes -xd2 {dir}` shows where there are many"
    ))
}

pub(super) fn sync(facts: &Facts) -> Judged {
    match &facts.disk.synced {
        None => Judged::skipped("nothing can be written to the data directory (S01)"),
        Some(Err(why)) => Judged::error(format!("what is written does not reach the disk: {why}"))
            .advice("look at `dmesg`: the disk, or what is between it and this box, is at fault; move the data directory elsewhere"),
        Some(Ok(ms)) if *ms > SYNC_MS_MAX => Judged::warning(format!(
            "the disk took {ms} ms to make one write durable, and every install waits for such writes"
        ))
        .advice("look what keeps the disk busy (`iostat -x 1`), or move the data directory to a faster one"),
        Some(Ok(ms)) => Judged::ok(format!("a write is durable within {ms} ms")),
    }
}

pub(super) fn ownership(facts: &Facts) -> Judged {
    let disk = &facts.disk;
    let dir = quoted(&facts.site.data_dir.display().to_string());
    let (Some(owner), Some(group)) = (disk.owner, disk.group) else {
        return Judged::skipped("there is no data directory (S01)");
    };
    let wanted = facts.process.user.unwrap_or(owner);
    if wanted == owner && disk.foreign.is_empty() {
        return Judged::ok(format!("all in the data directory belongs to user {owner}"));
    }
    let evidence = if wanted == owner {
        let first: Vec<String> = disk
            .foreign
            .iter()
            .take(3)
            .map(|path| format!("`{}`", path.display()))
            .collect();
        format!(
            "the data directory belongs to user {owner}, and {} of its files do not, such as {}",
            disk.foreign.len(),
            first.join(", ")
        )
    } else {
        format!("the daemon runs as user {wanted}, and the data directory belongs to user {owner}")
    };
    Judged::warning(evidence).repair(format!("chown -R {wanted}:{group} {dir}"))
}
