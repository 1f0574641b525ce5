import Fabric
import Testing

@testable import CarrierSCP

@Suite("Addresses of SCP routes")
struct AddressTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let text: String
        let user: String?
        let host: String
        let port: Int?
        let directory: String

        init(_ text: String, _ user: String?, _ host: String, _ port: Int?, _ directory: String) {
            (self.text, self.user, self.host, self.port, self.directory) = (text, user, host, port, directory)
        }

        var testDescription: String { text }
    }

    @Test(
        "What they mean",
        arguments: [
            Example("host:/var/inbox", nil, "host", nil, "/var/inbox"),
            Example("me@host:inbox", "me", "host", nil, "inbox"),
            Example("me@host:", "me", "host", nil, "."),
            Example("host:~", nil, "host", nil, "."),
            Example("host:~/", nil, "host", nil, "."),
            Example("host:~/in/box", nil, "host", nil, "in/box"),
            Example("host:./~", nil, "host", nil, "./~"),
            Example("host:-rf", nil, "host", nil, "./-rf"),
            Example("host:~/-rf", nil, "host", nil, "./-rf"),
            Example("host:/a b/$(x)'\"\n", nil, "host", nil, "/a b/$(x)'\"\n"),
            Example("host:/a@b:c", nil, "host", nil, "/a@b:c"),
            Example("me@example.org@host:x", "me@example.org", "host", nil, "x"),
            Example("[::1]:/x", nil, "::1", nil, "/x"),
            Example("me@[fe80::1%eth0]:x:y", "me", "fe80::1%eth0", nil, "x:y"),
            Example("scp://host/x", nil, "host", nil, "/x"),
            Example("SCP://me@host:2222/a%20b", "me", "host", 2222, "/a b"),
            Example("scp://me@[::1]:22/x", "me", "::1", 22, "/x"),
            Example("scp://host/~", nil, "host", nil, "."),
            Example("scp://host/~/in%2fbox", nil, "host", nil, "in/box"),
            Example("scp://host/", nil, "host", nil, "/"),
            Example("scp://host/%c3%bc", nil, "host", nil, "/ü"),
        ])
    func meanings(example: Example) throws {
        let address = try SCPAddress(parsing: example.text)
        #expect(address.user == example.user)
        #expect(address.host == example.host)
        #expect(address.port == example.port)
        #expect(address.directory == example.directory)
    }

    @Test(
        "What is none",
        arguments: [
            "", "host", "/local/path", "./a:b", "dir/host:x", ":x", "@host:x", "me@:x", "-oProxyCommand=x:y",
            "me@-host:x", "-me@host:x", "a b:x", "a;b:x", "$(x):y", "me;x@host:y", "host\n:x", "[::1:x", "[::1]x:y",
            "[]:x",
            "jis:org:service@host", "http://host/x", "sftp://host/x", "host:~other/x", "host:a\0b", "scp://host",
            "scp://host:port/x", "scp://host:0/x", "scp://host:65536/x", "scp://host:/x", "scp://host:+22/x",
            "scp:///x",
            "scp://me:secret@host/x", "scp://host/x?y", "scp://host/x#y", "scp://host/%", "scp://host/%zz",
            "scp://host/%00", "scp://host/%ff", "scp://me%20x@host/x", "scp://ho%73t;/x",
        ])
    func rejected(text: String) {
        let error = #expect(throws: CarrierError.self) { try SCPAddress(parsing: text) }
        #expect(error?.kind == .misconfigured)
        #expect(error?.description.contains("user@host:path") == true)
        #expect(error?.explanation.contains("secret@") != true)
    }
}
