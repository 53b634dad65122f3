/// Where a stream of bytes is served, beside ZeroMQ's messages: to a process of this machine by a
/// path, or by host and port.
public enum StreamAddress: Hashable, Sendable, CustomStringConvertible {
    case unix(path: String)
    /// The host is a name or a number; an IPv6 one without its brackets.
    case tcp(host: String, port: UInt16)

    /// Reads `unix:<path>` or `<host>:<port>`, an IPv6 number in brackets; nil if it is neither.
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

    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
