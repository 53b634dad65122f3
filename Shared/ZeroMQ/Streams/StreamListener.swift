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

    private static func bind(_ path: String) throws(ZeroMQError) -> Int32 {
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
                let length = socklen_t(MemoryLayout<sockaddr_un>.size)
                try unsafe removeDead(path, generic, length)
                return try unsafe bind(AF_UNIX, generic, length)
            }
        }
    }

    /// Removes the socket file of a process that crashed.
    private static func removeDead(
        _ path: String, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
    ) throws(ZeroMQError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { _ = close(probe) }
        guard unsafe connect(probe, address, length) != 0 else { throw .addressInUse }
        if errno == ECONNREFUSED { unsafe _ = unlink(path) }
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
