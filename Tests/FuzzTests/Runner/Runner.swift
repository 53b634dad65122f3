import CommandLine
import Foundation

/// The fuzzer that this process runs. Its name is in the environment variable DAYBOOK_FUZZER. With
/// the name `list` the process prints the names of all fuzzers.
private let fuzzer: Fuzzer = {
    let name = ProcessInfo.processInfo.environment["DAYBOOK_FUZZER"] ?? ""
    let names = Fuzzer.all.map(\.name)
    if name == "list" {
        for name in names { print(name) }
        exit(0)
    }
    guard let fuzzer = Fuzzer.all.first(where: { $0.name == name }) else {
        let known = names.joined(separator: " ")
        Output.printError("DAYBOOK_FUZZER is '\(name)'; it must be one of: \(known)")
        exit(64)
    }
    return fuzzer
}()

/// libFuzzer calls this once, before the first input.
@_cdecl("LLVMFuzzerInitialize") public func initialize(
    _ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer
) -> Int32 {
    _ = fuzzer
    return 0
}

/// libFuzzer calls this with each input, and keeps the input of a process that traps.
@_cdecl("LLVMFuzzerTestOneInput") public func test(
    _ data: UnsafeRawPointer?, _ count: Int
) -> Int32 {
    // The bytes are valid only during the call.
    let input = unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: count))
    do {
        try fuzzer.run(input)
    } catch {
        // libFuzzer reports a broken property only as a crash.
        fatalError("\(fuzzer.name): \(error)")
    }
    return 0
}
