//! Choosing a device.

use super::*;

#[test]
fn choices_are_parsed_and_printed_alike() {
    for text in ["auto", "cpu", "cuda:0", "cuda:3"] {
        assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
    }
    assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
    for text in ["", "gpu", "cuda:", "cuda:x", "CPU"] {
        assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
    }
}

#[test]
fn the_cpu_passes_its_probe() {
    assert_eq!(DeviceChoice::Cpu.open().unwrap().name, "cpu");
    assert!(devices().iter().any(|(name, result)| name == "cpu" && result.is_ok()));
}

#[test]
fn auto_always_finds_something() {
    DeviceChoice::Auto.open().unwrap();
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_gpu_by_name_is_an_error_that_says_why() {
    let error = DeviceChoice::Cuda(0).open().unwrap_err();
    assert_eq!(error.to_string(), "device `cuda:0` is not usable: built without the `cuda` feature");
}
