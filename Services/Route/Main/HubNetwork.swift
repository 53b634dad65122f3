import EventSourcing
import Foundation
import RouteDomain
import Synchronization

/// A planner with the built-in network of hubs, or with a network that it reads from a file.
///
/// It reads the file again when the modification date changes, so a change needs no restart. While
/// the file is missing or invalid, every plan fails, because an outdated network must not decide on
/// new orders. The failed deliveries are retried and become dead letters, which can be redriven.
final class HubNetwork: RoutePlanner {
    private struct Version {
        let modifiedAt: Date?
        let planner: NetworkPlanner
    }

    private let file: String?
    private let limitMinutes: Int
    private let current = Mutex<Version?>(nil)

    /// Reads the network, so that a bad file stops the service when it starts.
    ///
    /// - Parameters:
    ///   - file: the path of a CSV file of hubs, or nil for the built-in network.
    ///   - limitMinutes: the longest time that a route may take, in minutes.
    /// - Throws: `DaybookError` if the file can't be read or is invalid.
    init(file: String?, limitMinutes: Int) throws {
        self.file = file
        self.limitMinutes = limitMinutes
        _ = try planner()
    }

    func plan(_ journey: Journey) throws -> RoutePlan { try planner().plan(journey) }

    private func planner() throws -> NetworkPlanner {
        let modifiedAt = try file.flatMap(modificationDate)
        return try current.withLock { current in
            if let current, current.modifiedAt == modifiedAt { return current.planner }
            let planner = NetworkPlanner(try network(), limitMinutes: limitMinutes)
            current = Version(modifiedAt: modifiedAt, planner: planner)
            return planner
        }
    }

    private func modificationDate(_ file: String) throws -> Date? {
        do {
            return try FileManager.default.attributesOfItem(atPath: file)[.modificationDate]
                as? Date
        } catch {
            throw Self.unreadable(file)
        }
    }

    private func network() throws -> Network {
        guard let file else {
            return try Network(csv: String(decoding: PackageResources.hubs_csv, as: UTF8.self))
        }
        let text: String
        do { text = try String(contentsOfFile: file, encoding: .utf8) } catch {
            throw Self.unreadable(file)
        }
        do { return try Network(csv: text) } catch {
            throw DaybookError(.invalid, "\(error.description), in \(file)")
        }
    }

    private static func unreadable(_ file: String) -> DaybookError {
        DaybookError(.invalid, "the network \(file) can't be read; it must be a UTF-8 file")
    }
}
