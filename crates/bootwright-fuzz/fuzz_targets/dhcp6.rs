//! The target `dhcp6`, for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bootwright_fuzz::dhcp6::digest(bytes));
