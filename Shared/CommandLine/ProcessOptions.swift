public import ArgumentParser
import Foundation
public import Logging
import Observability
import WireProtocol
public import ZeroMQ

/// The logging and metrics options shared by every long-running process.
public struct ProcessOptions: ParsableArguments, Sendable {
    /// The format of log lines.
    public enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
        /// Text for people.
        case text
        /// One JSON object per line.
        case json
    }

    /// The address of the metrics server, `off`. If nil, the environment or the default applies.
    @Option(
        help: """
            The HTTP address of /metrics, /live and /ready: unix:<path>, <host>:<port> or off \
            (DAYBOOK_METRICS; default: unix:<home>/<service>.metrics.sock).
            """)
    public var metrics: String?

    /// The lowest level that is logged.
    @Option(
        help: "The lowest level that is logged: \(ProcessOptions.levels).",
        transform: {
            try Logger.Level(rawValue: $0).orInvalid(
                "it is not a log level; use one of: \(ProcessOptions.levels)")
        })
    public var logLevel = Logger.Level.notice

    /// The format of the log. If nil, the environment or the default applies.
    @Option(help: "The format of the log, text or json (DAYBOOK_LOG_FORMAT; default: text).")
    public var logFormat: LogFormat?

    /// Creates the options. The argument parser sets their values.
    public init() {}

    /// Checks the metrics address and the log format, in the environment as well.
    public func validate() throws {
        _ = try metricsAddress(of: "", home: "")
        _ = try format
    }

    /// Returns a function that creates a logger for a label. The loggers write to standard error.
    ///
    /// - Throws: `ValidationError` for an invalid format in the environment.
    public func loggers() throws -> @Sendable (_ label: String) -> Logger {
        let (format, level) = (try format, logLevel)
        return { label in
            var logger = Logger(label: label) { label in
                switch format {
                case .text: StreamLogHandler(label: label, stream: LogStream())
                case .json: JSONLogHandler(label: label)
                }
            }
            logger.logLevel = level
            return logger
        }
    }

    /// Returns the address of a service's metrics server, or nil if the option is `off`.
    ///
    /// - Throws: `ValidationError` for an invalid address.
    public func metricsAddress(of service: String, home: String) throws -> StreamAddress? {
        guard let text = metrics ?? Endpoints.environment("DAYBOOK_METRICS") else {
            return .unix(path: "\(home)/\(service).metrics.sock")
        }
        guard text != "off" else { return nil }
        let source = metrics == nil ? "DAYBOOK_METRICS" : "--metrics"
        return try StreamAddress(text).orInvalid(
            "\(source) must be unix:<path>, <host>:<port> or off, not '\(text)'")
    }

    private var format: LogFormat {
        get throws {
            if let logFormat { return logFormat }
            guard let text = Endpoints.environment("DAYBOOK_LOG_FORMAT") else { return .text }
            return try LogFormat(rawValue: text).orInvalid(
                "DAYBOOK_LOG_FORMAT must be text or json, not '\(text)'")
        }
    }

    private static var levels: String {
        Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }
}
