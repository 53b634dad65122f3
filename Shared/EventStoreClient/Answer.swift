import EventSourcing
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

extension DaybookError {
    /// The error of a process that did not answer in time.
    static func noAnswer(from endpoint: String, within timeout: Duration) -> DaybookError {
        let key = endpoint.hasPrefix("tcp://") ? ", and does the keyring have its current key" : ""
        return DaybookError(
            .unavailable,
            "nothing at \(endpoint) answered within \(timeout); is the process there running\(key)?"
        )
    }
}
