package topology

// What hwloc 2 and hwloc 1 export of small machines, written by hand after
// their documentation.
var hwlocSamples = []string{
	`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000003f" allowed_cpuset="0x00000007" nodeset="0x00000007" complete_nodeset="0x00000007" allowed_nodeset="0x00000007" gp_index="1">
    <object type="Package" os_index="0" cpuset="0x00000003" gp_index="2">
      <object type="NUMANode" os_index="0" cpuset="0x00000003" nodeset="0x00000001" gp_index="3" local_memory="1048576"/>
      <object type="NUMANode" os_index="2" cpuset="0x00000003" nodeset="0x00000004" gp_index="9" local_memory="4194304"/>
      <object type="L3Cache" cpuset="0x00000003" cache_size="8388608" depth="3" cache_type="0">
        <object type="L2Cache" cpuset="0x00000003" cache_size="1048576" depth="2" cache_type="0">
          <object type="L1Cache" cpuset="0x00000003" cache_size="32768" depth="1" cache_type="1">
            <object type="L1iCache" cpuset="0x00000003" cache_size="32768" depth="1" cache_type="2">
              <object type="Core" os_index="0" cpuset="0x00000003">
                <object type="PU" os_index="0" cpuset="0x00000001"/>
                <object type="PU" os_index="1" cpuset="0x00000002"/>
              </object>
            </object>
          </object>
        </object>
      </object>
    </object>
    <object type="Package" os_index="1" cpuset="0x0000000c" gp_index="5">
      <object type="NUMANode" os_index="1" cpuset="0x0000000c" nodeset="0x00000002" gp_index="6" local_memory="2097152"/>
      <object type="Core" os_index="0" cpuset="0x0000000c">
        <object type="PU" os_index="2" cpuset="0x00000004"/>
        <object type="PU" os_index="3" cpuset="0x00000008"/>
      </object>
    </object>
  </object>
  <distances2 type="NUMANode" nbobjs="3" kind="5" name="NUMALatency" indexing="os">
    <indexes length="6">0 1 2 </indexes>
    <u64values length="15">10 21 17 21 10 </u64values>
    <u64values length="12">28 17 28 10 </u64values>
  </distances2>
</topology>
`,
	`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc.dtd">
<topology>
  <object type="Machine" os_level="-1" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" online_cpuset="0x0000000f" allowed_cpuset="0x0000000f" nodeset="0x00000003" complete_nodeset="0x00000003" allowed_nodeset="0x00000001">
    <page_type size="4096" count="0"/>
    <distances nbobjs="2" relative_depth="1" latency_base="10.000000">
      <latency value="1.000000"/>
      <latency value="2.100000"/>
      <latency value="2.000000"/>
      <latency value="1.000000"/>
    </distances>
    <object type="NUMANode" os_level="-1" os_index="0" cpuset="0x00000005" nodeset="0x00000001" local_memory="1048576">
      <object type="Socket" os_level="-1" os_index="0" cpuset="0x00000005">
        <object type="Cache" os_level="-1" cpuset="0x00000005" cache_size="8388608" depth="3" cache_linesize="64">
          <object type="Cache" os_level="-1" cpuset="0x00000005" cache_size="32768" depth="1" cache_linesize="64">
            <object type="Core" os_level="-1" os_index="0" cpuset="0x00000001">
              <object type="PU" os_level="-1" os_index="0" cpuset="0x00000001"/>
            </object>
            <object type="Core" os_level="-1" os_index="1" cpuset="0x00000004">
              <object type="PU" os_level="-1" os_index="2" cpuset="0x00000004"/>
            </object>
          </object>
        </object>
      </object>
    </object>
    <object type="NUMANode" os_level="-1" os_index="1" cpuset="0x0000000a" nodeset="0x00000002" local_memory="2097152">
      <object type="Socket" os_level="-1" os_index="1" cpuset="0x0000000a">
        <object type="Core" os_level="-1" os_index="0" cpuset="0x0000000a">
          <object type="PU" os_level="-1" os_index="1" cpuset="0x00000002"/>
          <object type="PU" os_level="-1" os_index="3" cpuset="0x00000008"/>
        </object>
      </object>
    </object>
  </object>
</topology>
`,
}
