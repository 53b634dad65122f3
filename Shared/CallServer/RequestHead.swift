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
        if let frame {
            self.init(frame.span)
        } else {
            self.init(
                .failure(ProtocolError(.malformed, "a message begins with a header frame")))
        }
    }

    /// Reads the frame behind the peer's name.
    package init(_ frame: Span<UInt8>) {
        self.init(Result { () throws(ProtocolError) in try MessageHeader(frame) })
    }

    private init(_ header: Result<MessageHeader, ProtocolError>) {
        if case .success(let header) = header { (id, kind) = (header.requestID, header.kind) }
        checkedKind = header.flatMap { header in
            Result { () throws(ProtocolError) in
                try header.checkVersion()
                return header.kind
            }
        }
    }
}
