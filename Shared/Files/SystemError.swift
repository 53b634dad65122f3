import Glibc

/// A failed system call.
public struct SystemError: Error, Hashable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32

    /// Creates the error of the last system call on this thread.
    init(_ code: Int32 = errno) { self.code = code }

    /// The system's text for the code.
    public var description: String { unsafe String(cString: strerror(code)) }

    /// Whether there is no such file or folder.
    public var isNotFound: Bool { code == ENOENT || code == ENOTDIR }

    /// Throws the error of the last system call if `result` is negative.
    static func check(_ result: Int32) throws(SystemError) {
        guard result >= 0 else { throw SystemError() }
    }
}
