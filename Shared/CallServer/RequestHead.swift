package import WireProtocol

/// The header of a request, as far as it can be read.
package struct RequestHead: Sendable {
    /// The id of the request, or 0 if the header can't be read.
    package private(set) var id: UInt64 = 0
    /// The kind of the request, or nil if the header can't be read.
    package private(set) var kind: MessageKind?
    /// The kind, or why the request can't be answered: `malformed` if the frame is no header,
    /// `version` if this build does not speak the request's version.
    package let checkedKind: Result<MessageKind, ProtocolError>

    /// Reads the frame behind the peer's name, which is nil if the message has none.
    package init(_ frame: [UInt8]?) {
        do throws(ProtocolError) {
            guard let frame else {
                throw ProtocolError(.malformed, "a message begins with a header frame")
            }
            let header = try MessageHeader(frame.span)
            (id, kind) = (header.requestID, header.kind)
            try header.checkVersion()
            checkedKind = .success(header.kind)
        } catch {
            checkedKind = .failure(error)
        }
    }
}
