import EventSourcing
import Foundation
import RouteDomain
import Synchronization

/// The network of hubs that routes are planned in: the built-in one, or a file that is read again
/// when it has changed, so that the service need not be stopped for that.
///
/// While the file is missing or wrong nothing is planned: an order is sent by the network as it is,
/// not as it was. What waits for a plan is a failed delivery, and can be redriven.
final class HubNetwork: RoutePlanner {
    private struct Version {
        let modifiedAt: Date?
        let planner: NetworkPlanner
    }

    private let file: String?
    private let limitMinutes: Int
    private let current = Mutex<Version?>(nil)

    /// - Throws: `DaybookError` for a file that can't be used.
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
