//! One target under libFuzzer: the target that this binary is named after.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use portlab_fuzz::TARGETS;
use portlab_sys::clock::thread_cpu;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The memory that every input may take, in bytes.
const FIXED: usize = 1 << 20;
/// The same where an input may contain regular expressions: a compiled one takes 10 MiB at most, and more while it is
/// compiled.
const WITH_REGEX: usize = 64 << 20;
/// The additional memory for each byte of an input, in bytes.
const PER_BYTE: usize = 256;

/// The processor time that an input may take. (libFuzzer's own timeout uses the wall clock, which isn't reliable on a
/// busy machine; that timeout finds inputs that hang.)
const TIME: Duration = Duration::from_secs(1);

fuzz_target!(|input: &[u8]| {
    let name = env!("CARGO_BIN_NAME");
    let target = TARGETS.iter().find(|target| target.0 == name);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let began = thread_cpu();
    target.expect("src/lib.rs lists every binary").1(input);
    let time = thread_cpu() - began;
    assert!(
        time < TIME,
        "{time:?} of a processor, expected at most {TIME:?}"
    );
    let taken = MEMORY.peak_usage().saturating_sub(before);
    let fixed = match name {
        "answers" | "options" | "rules" | "typed" => WITH_REGEX,
        _ => FIXED,
    };
    let limit = fixed + PER_BYTE * input.len();
    assert!(
        taken <= limit,
        "{taken} bytes of memory, expected at most {limit}"
    );
});
