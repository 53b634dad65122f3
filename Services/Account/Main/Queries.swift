import AccountDomain
import Contracts
public import EventSourcing
public import ServiceRuntime

extension MovementService {
    /// Returns the query of a name for the movements of an account.
    public static func movementQuery(
        _ name: String
    ) -> ServiceQuery<Self, String, [Shown.Model.Movement]> {
        ServiceQuery(
            name, of: { .stream(try StreamName(category: Account.category, id: $0)) },
            fromDisk: { db, account in try Shown.Model.Movement.rows(db, of: account) })
    }
}
