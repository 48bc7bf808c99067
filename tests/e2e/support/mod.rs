//! What the end-to-end tests share.

pub mod bounded;
pub mod bridge;
pub mod certs;
pub mod examples;
pub mod hostile;
pub mod md5;
pub mod mosquitto;
pub mod mqtt;
pub mod osql;
pub mod pages;
pub mod port;
pub mod random;
pub mod sandbox;
pub mod session;
pub mod subscriber;
pub mod table;
pub mod tmux;
pub mod wait;
pub mod web_socket;
