//! What tests of MQTT share.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod certs;
pub mod mosquitto;
pub mod mqtt;
