import AuditMain
import BalanceMain
import CommandLine
import CreditLimitMain
import CreditMain
import EventStoreMain
import OrdersMain
import RouteMain
import WithdrawMain

// All executables in one, which has what they have in common once: what an image is made of.
await Executable.run(
    oneOf: [
        .eventStore, .orders, .route, .balance, .creditLimit, .withdraw, .credit, .audit,
    ])
