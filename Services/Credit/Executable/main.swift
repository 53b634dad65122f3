import CreditMain
import ServiceKit

await Executable.credit.run()
