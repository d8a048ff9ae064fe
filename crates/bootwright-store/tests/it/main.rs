//! The store on real files: histories, crashes, damage, disks that are full or broken.

mod backup;
mod child;
mod crash;
mod damage;
mod disk;
mod format;
mod history;
mod holder;
mod power;
mod scratch;
