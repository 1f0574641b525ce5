import SystemPackage
import Testing

@testable import Fabric

@Suite("Where a host keeps its files")
struct HostDirectoriesTests {
    @Test(arguments: [
        (["HOME": "/h"], 1000, "/h/.local/share/tibet/identity", "/h/.local/state/tibet"),
        (["HOME": "/h", "XDG_DATA_HOME": "/d", "XDG_STATE_HOME": "/s"], 1000, "/d/tibet/identity", "/s/tibet"),
        (
            ["HOME": "/h", "XDG_DATA_HOME": "", "XDG_STATE_HOME": "s"], 1000, "/h/.local/share/tibet/identity",
            "/h/.local/state/tibet"
        ),
        (["HOME": "/root", "XDG_DATA_HOME": "/d"], 0, "/var/lib/tibet/identity", "/var/lib/tibet"),
        (["HOME": "/h", "TIBET_IDENTITY": "i", "TIBET_STATE": "/t"], 0, "i", "/t"),
        (["XDG_DATA_HOME": "/d", "XDG_STATE_HOME": "/s"], 1000, "/d/tibet/identity", "/s/tibet"),
    ])
    func defaultsAndOverrides(environment: [String: String], userID: UInt32, identity: String, state: String) throws {
        let directories = HostDirectories(environment: environment, userID: userID)
        #expect(try directories.identity().path == FilePath(identity))
        #expect(try directories.state() == FilePath(state))
    }

    @Test(arguments: [[:], ["HOME": ""], ["HOME": "relative"]])
    func withoutAHomeNothingIsGuessed(environment: [String: String]) {
        let directories = HostDirectories(environment: environment, userID: 1000)
        #expect(throws: HomeUnknown(override: "TIBET_IDENTITY")) { try directories.identity() }
        #expect(throws: HomeUnknown(override: "TIBET_STATE")) { try directories.state() }
    }
}
