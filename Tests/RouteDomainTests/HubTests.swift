import EventSourcing
import RouteDomain
import Testing

@Suite struct `Network files` {
    @Test(arguments: [
        "", "code,name\n", "code,name,city,country,latitude,longitude,timezone\n",
        "code,name,city,country,latitude,longitude,timezone\nA,a,a,X,91,0,z\n",
        "code,name,city,country,latitude,longitude,timezone\nA,a,a,X,9\n",
        "code,name,city,country,latitude,longitude,timezone\nA,a,a,X,1,0,z\nA,b,b,X,2,0,z\n",
    ])
    func `Invalid network file is rejected`(text: String) {
        #expect { try Network(csv: text) } throws: { DaybookError.Kind(of: $0) == .invalid }
    }
}
