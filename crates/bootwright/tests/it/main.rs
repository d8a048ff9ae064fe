//! The daemon's parts for real: sockets, files and other people's programs, in namespaces that the tests make.

mod api;
mod census;
mod cli;
mod cli_check;
mod cli_event;
mod cli_explain;
mod cli_host;
mod cli_site;
mod crash;
mod daemon;
mod dhcp_proxy;
mod dhcp_server;
mod fault;
mod fault_disk;
mod front;
mod http_boot;
mod install;
mod link_follow;
#[path = "../../../bootwright-net/tests/it/netns.rs"]
mod netns;
mod process;
mod rehearsal;
mod relay;
mod segment;
mod tftp_client;
mod tftp_limit;
mod tftp_peer;
mod tftp_root;
mod tftp_segment;
mod tftp_service;
mod threat_file;
mod threat_flood;
mod threat_http;
mod threat_noise;
mod trouble;
