/// A parser of untrusted bytes, and what must hold for every input: the parser returns or throws,
/// and what it accepts has the properties that `run` checks.
struct Fuzzer: Sendable {
    let name: String
    /// - Throws: `PropertyFailure`; it handles what the parser throws.
    let run: @Sendable (_ input: [UInt8]) throws -> Void

    static let all = [
        record, message, busCall, busEvent, payload, pattern, json, cloudEvent, orderBook, hubs,
        archiveManifest, archiveSegment, logSegment, logFiles, journal, keyring, http, s3, text,
    ]
}

/// A property that an input breaks.
struct PropertyFailure: Error, CustomStringConvertible {
    let description: String
}

func check(_ condition: Bool, _ property: @autoclosure () -> String) throws(PropertyFailure) {
    guard condition else { throw PropertyFailure(description: property()) }
}

/// The value of the parser, or nil if it rejects its input.
func accepted<Value>(_ parse: () throws -> Value) -> Value? {
    // Rejecting input is correct. Only traps, hangs and broken properties are failures.
    try? parse()
}

extension [UInt8] {
    /// The first byte, or 0, and what follows it.
    var headAndRest: (head: UInt8, rest: [UInt8]) { (first ?? 0, Array(dropFirst())) }

    /// The bytes before and after the first `separator`. Without a separator, the second part is
    /// empty.
    func split(at separator: UInt8) -> (before: [UInt8], behind: [UInt8]) {
        let index = firstIndex(of: separator) ?? endIndex
        return (Array(self[..<index]), Array(self[index...].dropFirst()))
    }

    var text: String { String(decoding: self, as: UTF8.self) }
}
