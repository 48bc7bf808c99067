//! Names that SA Engine has and osql does not, with what to use instead.

/// What a name is about, and what does the same here.
pub struct Elsewhere {
    names: &'static [&'static str],
    pub about: &'static str,
    pub instead: &'static str,
}

const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        names: &[
            "listen",
            "listening_edges",
            "edge_cq",
            "edge_query",
            "run_stored_edge_query",
            "run_stored_edge_queries",
            "this_peerid",
            "peers",
            "ship",
            "remote_eval",
            "federation:",
            "edge:",
        ],
        about: "federations of peers, which osql does not have",
        instead: "a broker joins programs: mqtt:register_client(name,options), then \
                  publish(s,'client:topic') on one side and subscribe('client:topic') on the other",
    },
    Elsewhere {
        names: &[
            "models:deploy",
            "models:publish",
            "models:import",
            "models:install",
            "models:available",
            "models:create_release",
            "download_model",
        ],
        about: "deploying models to peers and repositories, which osql does not do",
        instead: "copy the model's folder into models/ there; models:load(model) loads it",
    },
    Elsewhere {
        names: &["audio", "camera", "gpio:read", "i2c:read", "canbus:stream"],
        about: "hardware signals, which osql does not read",
        instead: "a program that reads them can publish them on a broker, or write lines that osql reads",
    },
];

/// The name of a function that is not here on purpose.
pub fn elsewhere(name: &str) -> Option<&'static Elsewhere> {
    // A name that ends in a colon stands for all that begin with it.
    let is_meant = |known: &&str| *known == name || known.ends_with(':') && name.starts_with(known);
    let mut all = ELSEWHERE.iter();
    all.find(|elsewhere| elsewhere.names.iter().any(is_meant))
}
