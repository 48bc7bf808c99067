//! Arrays beside NumPy on one thread: products, work element by element, sums. Prints a Markdown table.
//!
//! Needs Python with NumPy: `PYTHON=venv/bin/python cargo bench --bench arrays`.

use std::error::Error;
use std::process::Command;
use std::time::Instant;

use osql::model::context::STACK_SIZE;
use osql::model::memory::MemoryLimit;
use osql::run::statement::Outcome;
use osql::session::{Config, Session};
use osql::text::console::Console;
use osql::text::diagnostic::SourceText;

/// Runs of each; the fastest counts.
const ROUNDS: usize = 5;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Task {
    what: &'static str,
    osql: &'static str,
    numpy: &'static str,
}

const TASKS: &[Task] = &[
    Task {
        what: "matrix product, 512 by 512, F64",
        osql: ":m * :m",
        numpy: "m @ m",
    },
    Task {
        what: "matrix product, 512 by 512, F32",
        osql: ":mf * :mf",
        numpy: "mf @ mf",
    },
    Task {
        what: "matrix by a column, 2048 by 2048, F64",
        osql: ":w * :x",
        numpy: "w @ x",
    },
    Task {
        what: "matrix by a column, 2048 by 2048, F32",
        osql: ":wf * :xf",
        numpy: "wf @ xf",
    },
    Task {
        what: "a row by a matrix, 2048 by 2048, F64",
        osql: ":x * :w",
        numpy: "x @ w",
    },
    Task {
        what: "product of two rows of 10^6, F64",
        osql: ":a * :b",
        numpy: "a @ b",
    },
    Task {
        what: "product of two rows of 10^6, F32",
        osql: ":af * :bf",
        numpy: "af @ bf",
    },
    Task {
        what: "sum of two, 10^6, F64",
        osql: ":a + :b",
        numpy: "a + b",
    },
    Task {
        what: "sum of two, 10^6, F32",
        osql: ":af + :bf",
        numpy: "af + bf",
    },
    Task {
        what: "sum of two, 10^6, I32",
        osql: ":i + :i",
        numpy: "i + i",
    },
    Task {
        what: "product by a number, 10^6, F64",
        osql: ":a * 2.5",
        numpy: "a * 2.5",
    },
    Task {
        what: "quotients, 10^6, F64",
        osql: ":a ./ :b",
        numpy: "a / b",
    },
    Task {
        what: "squares, 10^6, F64",
        osql: ":a .^ 2",
        numpy: "a ** 2",
    },
    Task {
        what: "square roots, 10^6, F64",
        osql: "sqrt(:a)",
        numpy: "np.sqrt(a)",
    },
    Task {
        what: "square roots, 10^6, F32",
        osql: "sqrt(:af)",
        numpy: "np.sqrt(af)",
    },
    Task {
        what: "exponentials, 10^6, F64",
        osql: "exp(:a)",
        numpy: "np.exp(a)",
    },
    Task {
        what: "exponentials, 10^6, F32",
        osql: "exp(:af)",
        numpy: "np.exp(af)",
    },
    Task {
        what: "larger of each and a number, 10^6, F32",
        osql: "maximum(:af,0.5)",
        numpy: "np.maximum(af, np.float32(0.5))",
    },
    Task {
        what: "sum of all, 10^6, F64",
        osql: "sum(:a)",
        numpy: "a.sum()",
    },
    Task {
        what: "largest of all, 10^6, F64",
        osql: "max(:a)",
        numpy: "a.max()",
    },
    Task {
        what: "turned, 2048 by 2048, F64",
        osql: "transpose(:w)",
        numpy: "np.ascontiguousarray(w.T)",
    },
];

const SETUP: &str = "set :a = array((select vector of mod(i*7919,1009)/1009 + 0.001 from Integer i where i in iota(1,1000000)));
set :b = array((select vector of mod(i*104729,997)/997 + 0.001 from Integer i where i in iota(1,1000000)));
set :af = array('f32',:a); set :bf = array('f32',:b); set :i = array('i32', round(:a * 1000));
set :l = array((select vector of mod(i*7919,1009)/1009 from Integer i where i in iota(1,4194304)));
set :w = reshape(:l,[2048,2048]); set :wf = array('f32',:w);
set :m = reshape(array((select vector of mod(i*7919,1009)/1009 from Integer i where i in iota(1,262144))),[512,512]);
set :mf = array('f32',:m);
set :x = array((select vector of mod(i*31,101)/101 from Integer i where i in iota(1,2048))); set :xf = array('f32',:x);";

const NUMPY: &str = "
import sys, time, numpy as np
i = np.arange(1, 1000001); a = (i * 7919 % 1009) / 1009 + 0.001; b = (i * 104729 % 997) / 997 + 0.001
af, bf, i = a.astype('f4'), b.astype('f4'), np.round(a * 1000).astype('i4')
j = np.arange(1, 4194305); w = ((j * 7919 % 1009) / 1009).reshape(2048, 2048); wf = w.astype('f4')
j = np.arange(1, 262145); m = ((j * 7919 % 1009) / 1009).reshape(512, 512); mf = m.astype('f4')
x = (np.arange(1, 2049) * 31 % 101) / 101; xf = x.astype('f4')
for task in sys.argv[1:]:
    code = compile(task, 'task', 'eval')
    best = float('inf')
    for _ in range(5):
        begun = time.perf_counter(); eval(code); best = min(best, time.perf_counter() - begun)
    print(best)
";

fn main() -> Result<()> {
    // `cargo test --all-targets` runs benchmarks to see that they start.
    if std::env::args().any(|a| a == "--test") {
        return Ok(());
    }
    // Evaluation wants a large stack, as the program's own thread has it.
    let worker = std::thread::Builder::new().stack_size(STACK_SIZE);
    let measured = worker.spawn(|| measure().map_err(|error| error.to_string()))?;
    let table = measured.join().map_err(|_| "the benchmark panicked")??;
    print!("{table}");
    Ok(())
}

fn measure() -> Result<String> {
    let numpy = numpy_times()?;
    let console = Console::new(Box::new(std::io::sink()), Box::new(std::io::sink()));
    let mut session = Session::new(Config {
        home: "/nowhere/".into(),
        timeout: None,
        console,
        bail: false,
        memory: MemoryLimit::Bytes(4 << 30),
    });
    for statement in SETUP.split_inclusive(';').filter(|s| s.contains("set")) {
        execute(&mut session, statement)?;
    }
    let mut table = String::from("| | osql, ms | NumPy, ms | ratio |\n|---|---|---|---|\n");
    for (task, numpy) in TASKS.iter().zip(numpy) {
        let statement = format!("set :result = {};", task.osql);
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            execute(&mut session, &statement)?;
            best = best.min(begun.elapsed().as_secs_f64());
        }
        let (ours, theirs) = (best * 1e3, numpy * 1e3);
        let ratio = ours / theirs;
        table += &format!("| {} | {ours:.2} | {theirs:.2} | {ratio:.2} |\n", task.what);
    }
    Ok(table)
}

fn execute(session: &mut Session, statement: &str) -> Result<()> {
    let source = SourceText::new("<bench>", statement);
    match session.execute(&source) {
        Ok(Outcome::Results(rows)) => {
            for row in rows {
                row.map_err(|error| error.message().to_owned())?;
            }
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.message().to_owned().into()),
    }
}

/// Seconds of each task.
fn numpy_times() -> Result<Vec<f64>> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .args(["-c", NUMPY])
        .args(TASKS.iter().map(|task| task.numpy))
        .envs(
            ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"].map(|name| (name, "1")),
        )
        .output()?;
    if !output.status.success() {
        return Err(format!("{python}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    lines.lines().map(|line| Ok(line.parse()?)).collect()
}
