//! Running plans. Never sees text.

pub mod wait;

use std::sync::Arc;

use crate::session::World;
use wait::Token;

/// What everything that runs needs: the user's world, and the token that stops it.
#[derive(Clone)]
pub struct Cx {
    pub world: Arc<World>,
    pub token: Token,
}

impl Cx {
    /// The same world under another token.
    pub fn with_token(&self, token: Token) -> Cx {
        Cx {
            token,
            ..self.clone()
        }
    }
}
