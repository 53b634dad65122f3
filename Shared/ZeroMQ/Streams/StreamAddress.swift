/// The address of a byte stream, outside ZeroMQ: a socket file on this machine, or a host and port.
public enum StreamAddress: Hashable, Sendable, CustomStringConvertible {
    /// A Unix domain socket at this path.
    case unix(path: String)
    /// A host, by name or number, and a port. An IPv6 number has no brackets here.
    case tcp(host: String, port: UInt16)

    /// Parses `unix:<path>` or `<host>:<port>`, or returns nil. An IPv6 number needs brackets.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains("/") else { return nil }
        self = .tcp(host: String(host), port: port)
    }

    /// The address as `init(_:)` reads it.
    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
