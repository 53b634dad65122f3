import WireProtocol

/// An answer, taken apart; one that is a refusal is thrown.
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

/// A process did not answer.
public struct Unavailable: Error, Hashable, CustomStringConvertible {
    public let endpoint: String
    public let timeout: Duration

    public var description: String {
        "nothing at \(endpoint) answered within \(timeout); is the process there running?"
    }
}
