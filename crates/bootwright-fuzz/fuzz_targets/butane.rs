//! The target `butane`, for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bootwright_fuzz::butane::digest(bytes));
