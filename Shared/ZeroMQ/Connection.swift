import Foundation

/// A connection by which a message came, so that its receiver can find out whether it still is
/// open.
public struct Connection: Hashable, Sendable {
    let descriptor: Int32
    /// The socket's number in the system. It tells the connection from a later one with the same
    /// descriptor.
    private let inode: UInt64

    /// Returns the connection that a ``Frame/descriptor`` belongs to, or nil if it belongs to none.
    ///
    /// If the connection has ended, the descriptor may belong to another socket by now. It is not
    /// taken for the connection if it listens.
    public init?(_ descriptor: Int32) {
        guard let inode = Self.inode(of: descriptor), !Self.listens(descriptor) else { return nil }
        self.descriptor = descriptor
        self.inode = inode
    }

    /// Whether the connection has not been closed.
    public var isOpen: Bool { Self.inode(of: descriptor) == inode }

    /// Shuts the connection down, so that libzmq closes it as if the peer had. libzmq has no call
    /// for this.
    func close() {
        // libzmq may close the descriptor at any time, and then it may belong to another socket. A
        // copy belongs to the same one until the end. Another connection would only be made again,
        // but libzmq ends the process if its listening socket is shut down.
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        // Without a free descriptor, this small risk is better than a connection that stays.
        let closed = copy >= 0 ? copy : descriptor
        if Self.inode(of: closed) == inode, !Self.listens(closed) {
            Descriptors.shutDown(closed)
        }
        if copy >= 0 { _ = Glibc.close(copy) }
    }

    private static func listens(_ descriptor: Int32) -> Bool {
        var (value, count) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &count)
        return result == 0 && value != 0
    }

    /// The number of bytes that the system holds because the peer has not taken them.
    var untakenByPeer: Int32 {
        var count: Int32 = 0
        return unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? count : 0
    }

    private static func inode(of descriptor: Int32) -> UInt64? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            return nil
        }
        return UInt64(status.st_ino)
    }
}
