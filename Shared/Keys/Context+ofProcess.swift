import Logging
public import ZeroMQ

extension Context {
    /// Returns the context of the process's ``Credentials``, for a process that only makes calls.
    ///
    /// It logs nothing, because each call fails with the reason.
    public static func ofProcess() throws -> Context {
        let silent = Logger(label: "keys") { _ in SwiftLogNoOpLogHandler() }
        return try Credentials.ofProcess(logger: silent).context
    }
}
