import WireProtocol

/// The header and the body of an answer. Its initializer throws the error of an error answer.
struct Answer: Sendable {
    let header: MessageHeader
    let body: [[UInt8]]

    init(_ message: [[UInt8]]) throws(ProtocolError) {
        let first = message[0]
        header = try MessageHeader(first.span)
        body = Array(message.dropFirst())
        guard header.kind != .error else {
            let frame = body.first ?? []
            throw ProtocolError(frame.span)
        }
    }
}

/// The error that a process did not answer in time.
public struct Unavailable: Error, Hashable, CustomStringConvertible {
    /// The endpoint of the process.
    public let endpoint: String
    /// How long the caller waited.
    public let timeout: Duration

    /// The error in one line.
    public var description: String {
        "nothing at \(endpoint) answered within \(timeout); is the process there running?"
    }
}
