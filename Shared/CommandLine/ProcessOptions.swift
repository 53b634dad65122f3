public import ArgumentParser
import Foundation
public import Logging
import Observability
import WireProtocol
public import ZeroMQ

/// What every process takes that runs until it is told to end: how it tells of itself.
public struct ProcessOptions: ParsableArguments, Sendable {
    /// How lines of the log are written.
    public enum LogFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
        case text
        /// An object a line.
        case json
    }

    @Option(
        help: """
            Where to serve /metrics, /live and /ready over HTTP: unix:<path>, <host>:<port> or off \
            (DAYBOOK_METRICS; unix:<home>/<service>.metrics.sock).
            """)
    public var metrics: String?

    @Option(
        help: "The least level that is logged: \(ProcessOptions.levels).",
        transform: ProcessOptions.level)
    public var logLevel = Logger.Level.notice

    @Option(help: "How the log is written, text or json (DAYBOOK_LOG_FORMAT; text).")
    public var logFormat: LogFormat?

    public init() {}

    public func validate() throws {
        _ = try metricsAddress(of: "", home: "")
        _ = try format
    }

    /// Returns a function that makes loggers to standard error, by their labels.
    public func loggers() throws -> @Sendable (_ label: String) -> Logger {
        let (format, level) = (try format, logLevel)
        return { label in
            var logger = Logger(label: label) { label in
                switch format {
                case .text: StreamLogHandler.standardError(label: label)
                case .json: JSONLogHandler(label: label)
                }
            }
            logger.logLevel = level
            return logger
        }
    }

    /// Where the service's metrics are served; nil for nowhere.
    public func metricsAddress(of service: String, home: String) throws -> StreamAddress? {
        guard let text = metrics ?? Endpoints.environment("DAYBOOK_METRICS") else {
            return .unix(path: "\(home)/\(service).metrics.sock")
        }
        guard text != "off" else { return nil }
        guard let address = StreamAddress(text) else {
            let source = metrics == nil ? "DAYBOOK_METRICS" : "--metrics"
            throw ValidationError(
                "\(source) is unix:<path>, <host>:<port> or off, not '\(text)'")
        }
        return address
    }

    private var format: LogFormat {
        get throws {
            if let logFormat { return logFormat }
            guard let text = Endpoints.environment("DAYBOOK_LOG_FORMAT") else { return .text }
            guard let format = LogFormat(rawValue: text) else {
                throw ValidationError("DAYBOOK_LOG_FORMAT is text or json, not '\(text)'")
            }
            return format
        }
    }

    private static var levels: String {
        Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("'\(text)' is none of \(levels)")
        }
        return level
    }
}
