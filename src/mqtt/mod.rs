//! MQTT: clients with their options, TLS, delivery, and the embedded broker. Knows nothing of OSQL
//! beyond values.

/// The registered clients by name.
#[derive(Default)]
pub struct Clients {}
