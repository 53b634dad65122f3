import Foundation

/// A listening socket of the operating system, for an actor on a loop.
public final class StreamListener: Sendable {
    private let descriptor: Int32
    private let loop: SocketLoop

    /// Binds the address and listens.
    ///
    /// A socket file without a listener is replaced. Any other file is left alone.
    ///
    /// - Parameter loop: the executor of the actor that accepts. A wait elsewhere traps.
    /// - Throws: `addressInUse` if another process listens there.
    public init(_ address: StreamAddress, on loop: SocketLoop) throws(ZeroMQError) {
        self.loop = loop
        switch address {
        case .unix(let path): descriptor = try Self.bind(path)
        case .tcp(let host, let port): descriptor = try Self.bind(host, port)
        }
        // On a failure, `deinit` closes the descriptor.
        guard listen(descriptor, 128) == 0 else { throw .system }
    }

    deinit { _ = close(descriptor) }

    /// Returns the next connection as soon as there is one.
    public func accept(
        isolation: isolated any Actor = #isolation
    ) async throws -> StreamConnection {
        while true {
            _ = try await loop.thread.wait(.descriptor(descriptor), for: .readable, until: nil)
            let accepted = Foundation.accept(descriptor, nil, nil)
            if accepted >= 0 { return StreamConnection(accepted, on: loop) }
            // The peer may have disconnected in the meantime.
            guard [EAGAIN, EINTR, ECONNABORTED].contains(errno) else { throw ZeroMQError.system }
        }
    }

    /// Why no process can be reached at a socket file.
    public enum Fault: Sendable {
        /// There is no such file.
        case missing
        /// No process listens there. A process that crashed leaves such a socket behind.
        case dead
        /// This process may not connect to the socket.
        case denied
    }

    /// Returns why no process can be reached at the socket file, or nil if one listens there.
    public static func fault(of path: String) -> Fault? {
        let code = try? unsafe withAddress(of: path) { address, length in
            unsafe fault(connectingTo: address, length)
        }
        return switch code {
        case ENOENT, ENOTDIR: .missing
        case ECONNREFUSED: .dead
        case EACCES: .denied
        default: nil
        }
    }

    private static func bind(_ path: String) throws(ZeroMQError) -> Int32 {
        try unsafe withAddress(of: path) { (address, length) throws(ZeroMQError) in
            var status = stat()
            if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK {
                switch unsafe fault(connectingTo: address, length) {
                case 0, EAGAIN: throw .addressInUse
                case ECONNREFUSED: unsafe _ = unlink(path)
                default: break
                }
            }
            return try unsafe bind(AF_UNIX, address, length)
        }
    }

    private static func withAddress<Result>(
        of path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(ZeroMQError) -> Result
    ) throws(ZeroMQError) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else {
            throw ZeroMQError(
                code: ENAMETOOLONG, "a socket's path has less than \(capacity) bytes: \(path)")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        return try unsafe withUnsafePointer(to: address) { (pointer) throws(ZeroMQError) in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                (generic) throws(ZeroMQError) in
                try unsafe body(generic, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Connects to the local address and disconnects at once. Returns the system's error, or 0. It
    /// is `EAGAIN` if a process listens, but has no room for another connection yet.
    private static func fault(
        connectingTo address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let probe = socket(AF_UNIX, Int32(kind), 0)
        defer { _ = close(probe) }
        return unsafe connect(probe, address, length) == 0 ? 0 : errno
    }

    private static func bind(_ host: String, _ port: UInt16) throws(ZeroMQError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(port), &hints, &found)
        guard status == 0, let first = unsafe found else {
            throw ZeroMQError(
                code: EADDRNOTAVAIL, unsafe "\(host): \(String(cString: gai_strerror(status)))")
        }
        defer { unsafe freeaddrinfo(first) }
        return try unsafe bind(
            first.pointee.ai_family, first.pointee.ai_addr, first.pointee.ai_addrlen)
    }

    private static func bind(
        _ family: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) throws(ZeroMQError) -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(family, Int32(kind), 0)
        guard descriptor >= 0 else { throw .system }
        var yes: Int32 = 1
        // A restarted process can bind its port at once.
        unsafe _ = setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe Foundation.bind(descriptor, address, length) == 0 else {
            let error = ZeroMQError.system
            _ = close(descriptor)
            throw error
        }
        return descriptor
    }
}

extension ZeroMQError {
    /// The error that the last system call has set.
    static var system: ZeroMQError { ZeroMQError(code: errno) }
}
